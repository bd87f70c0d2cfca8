"""Certification paths: built, validated at an instant, remembered."""
