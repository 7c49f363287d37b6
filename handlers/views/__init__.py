"""What people see: Block Kit as pure functions, data in, blocks or a view out."""
