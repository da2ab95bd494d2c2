"""What a car costs, line by line, and the signed word on it."""
