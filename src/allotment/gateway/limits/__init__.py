"""How much one may take: counted in the database by all processes together, checked before anything is reached."""
