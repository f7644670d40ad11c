"""What calls cost, how they went and what was thought of them: one table, one file for each thing that it keeps."""
