"""What several tests need: parts that misbehave on purpose, and builders of mail."""
