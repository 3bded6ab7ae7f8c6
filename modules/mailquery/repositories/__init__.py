"""What is stored, behind interfaces: one implementation per engine."""
