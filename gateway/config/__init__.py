"""What users write: the site file and its parts."""
