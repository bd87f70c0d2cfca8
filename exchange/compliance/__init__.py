"""The signature rate (tỷ lệ văn bản ký số): definitions as data, periods, counting. Pure."""
