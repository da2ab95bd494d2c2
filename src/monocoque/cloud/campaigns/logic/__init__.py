"""What campaigns decide: from what is known and what is said to what is done. No input or output."""
