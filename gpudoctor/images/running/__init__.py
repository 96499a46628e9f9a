"""Throwaway containers: started with the GPU flags that fit the engine, heard out, and removed however that ends."""
