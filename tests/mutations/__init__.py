"""Break the rules of the requirements one by one, and see that some scenario minds."""
