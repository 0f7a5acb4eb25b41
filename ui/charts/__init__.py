"""The charts: each module turns recorded values into tables and says in Altair how they are drawn. No torch."""
