"""Programs that are handed to others: a Python script for the venv's interpreter, a C program for the compiler. They import nothing of
ours."""
