"""From text to vectors that lie near each other where texts mean something similar."""
