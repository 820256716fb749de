"""Who may reach a server of the studio: the names it answers to, and the people who may log in."""
