"""What a command does from end to end, apart from parsing its words and printing its report."""
