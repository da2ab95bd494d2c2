"""What every room agrees on: names, rights, topics, documents, errors. Imports nothing of ours."""
