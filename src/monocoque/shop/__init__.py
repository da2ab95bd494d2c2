"""The maker's side: where cars are made."""
