-- What belongs to the database itself and to no backup of it.
ALTER DATABASE shop SET search_path TO "$user", public, "we""ird; Type: TABLE; Schema: x";
ALTER DATABASE shop SET my.custom TO 'it''s';
ALTER DATABASE shop SET statement_timeout TO '1min';
ALTER DATABASE shop SET temp_tablespaces TO 'fast', 'wide';
ALTER ROLE reader IN DATABASE shop SET DateStyle TO 'German';
ALTER ROLE reader IN DATABASE shop SET work_mem TO '8MB';
ALTER ROLE ALL IN DATABASE shop SET idle_in_transaction_session_timeout TO '1h';
REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO writer WITH GRANT OPTION;
SET ROLE writer; GRANT CONNECT ON DATABASE shop TO reader; RESET ROLE;
GRANT CREATE ON DATABASE shop TO maker;
COMMENT ON DATABASE shop IS 'the shop';
ALTER DATABASE shop CONNECTION LIMIT 50;
ALTER DATABASE shop IS_TEMPLATE true;
ALTER DATABASE shop SET TABLESPACE wide;
