"""What is signed about updates: metadata of The Update Framework, by the rules of Uptane."""
