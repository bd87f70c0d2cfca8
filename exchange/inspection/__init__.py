"""The verification sheet (phiếu kiểm tra chữ ký số): what was judged, for people and for courts."""
