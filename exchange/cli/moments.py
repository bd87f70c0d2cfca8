"""Instants and days as people in Vietnam read and write them; inside everything is UTC."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from congvan.v1 import envelope_pb2
