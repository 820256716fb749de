"""The database: what the studio knows, as rows. The only room that speaks SQL."""
