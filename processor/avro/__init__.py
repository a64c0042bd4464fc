"""Avro: schemas, framings, codecs."""
