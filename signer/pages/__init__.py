"""What is seen on pages: text and ink that are there, appearances that are drawn on them."""
