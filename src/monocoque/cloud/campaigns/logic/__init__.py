"""What campaigns decide: from what is known and said to what is done, without input or output."""
