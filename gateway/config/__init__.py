"""The site file and its parts, as users write them."""
