"""What an operator does, without Qt: each screen and each headless command calls the same functions here."""
