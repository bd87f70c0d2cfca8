"""The time zone of the edges: what people and edXML read and write is the time of Vietnam. Pure."""

from datetime import timedelta, timezone

# Asia/Ho_Chi_Minh has been UTC+7 without daylight saving since 13 June 1975. A fixed offset needs
# no time zone database, which minimal installations lack.
VIETNAM_TIME = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
