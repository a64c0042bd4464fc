"""Records as bytes: Avro schemas, the two framings, the schema registry, JSON forms for people."""
