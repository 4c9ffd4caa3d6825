-- :customers, :products, :orders, :items rows; every reference is there, so that the checks of it may rest.
SET session_replication_role = replica;
INSERT INTO customer (email, name, created, prefs)
  SELECT 'user' || n || '@example.com', 'Name ' || md5(n::text), '2026-01-01'::timestamptz + n * interval '1 min',
         jsonb_build_object('n', n, 'theme', 'dark', 'token', md5((n * 7)::text))
  FROM generate_series(1, :customers) n;
INSERT INTO product (title, body, price, tags, photo)
  SELECT 'Product ' || n, (SELECT string_agg(md5((n * 100 + k)::text), ' ') FROM generate_series(1, 30) k), n % 1000 + 0.99,
         ARRAY['t' || n % 10, 'u' || n % 7], decode(repeat(md5(n::text), 8), 'hex')
  FROM generate_series(1, :products) n;
INSERT INTO orders (customer_id, status, at, note, address)
  SELECT n % :customers + 1, (ARRAY['new', 'paid', 'shipped', 'done'])[n % 4 + 1]::status, '2026-01-01'::timestamptz + n * interval '1 s',
         CASE WHEN n % 3 = 0 THEN md5(n::text) END, 'Street ' || n || ', ' || md5((n * 3)::text) || ', Town ' || n % 500
  FROM generate_series(1, :orders) n;
INSERT INTO item (order_id, product_id, quantity, price)
  SELECT n % :orders + 1, n % :products + 1, n % 5 + 1, n % 500 + 0.5 FROM generate_series(1, :items) n;
