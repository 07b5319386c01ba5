"""Metering's tables hang on this base."""

from servicekit.database import NAMING, TYPES
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base of metering's models."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = TYPES
