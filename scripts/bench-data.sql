-- About 500 MB at :scale = 130: a shop with wide and narrow tables, keys, indexes and foreign keys.
CREATE TYPE status AS ENUM ('new', 'paid', 'shipped', 'done');
CREATE TABLE customer (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, created timestamptz NOT NULL, prefs jsonb);
CREATE TABLE product (id serial PRIMARY KEY, title text NOT NULL, body text, price numeric(12,2) NOT NULL, tags text[] NOT NULL, photo bytea);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, status status NOT NULL, at timestamptz NOT NULL, note text, address text NOT NULL);
CREATE TABLE item (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, product_id int NOT NULL REFERENCES product, quantity int NOT NULL, price numeric(12,2) NOT NULL);
INSERT INTO customer (email, name, created, prefs)
  SELECT 'user' || n || '@example.com', 'Name ' || md5(n::text), '2026-01-01'::timestamptz + n * interval '1 min',
         jsonb_build_object('n', n, 'theme', 'dark', 'token', md5((n * 7)::text))
  FROM generate_series(1, :scale * 1500) n;
INSERT INTO product (title, body, price, tags, photo)
  SELECT 'Product ' || n, (SELECT string_agg(md5((n * 100 + k)::text), ' ') FROM generate_series(1, 30) k), n % 1000 + 0.99,
         ARRAY['t' || n % 10, 'u' || n % 7], decode(repeat(md5(n::text), 8), 'hex')
  FROM generate_series(1, :scale * 700) n;
INSERT INTO orders (customer_id, status, at, note, address)
  SELECT n % (:scale * 1500) + 1, (ARRAY['new', 'paid', 'shipped', 'done'])[n % 4 + 1]::status, '2026-01-01'::timestamptz + n * interval '1 s',
         CASE WHEN n % 3 = 0 THEN md5(n::text) END, 'Street ' || n || ', ' || md5((n * 3)::text) || ', Town ' || n % 500
  FROM generate_series(1, :scale * 7000) n;
INSERT INTO item (order_id, product_id, quantity, price)
  SELECT n % (:scale * 7000) + 1, n % (:scale * 700) + 1, n % 5 + 1, n % 500 + 0.5 FROM generate_series(1, :scale * 18000) n;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON item (order_id);
CREATE INDEX ON item (product_id);
VACUUM ANALYZE;
