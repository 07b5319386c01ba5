"""`./polar prove`: purchases while every part is killed, then proof that none was lost or doubled."""
