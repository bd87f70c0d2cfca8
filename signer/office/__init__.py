"""Signatures as an office makes them by NĐ 30/2020: places, looks, number and date, the order."""
