"""Single-file programs that run alone in a child process and print one JSON line. They import nothing of ours."""
