"""customer_query: the source of truth of people; imports, segments and their export."""
