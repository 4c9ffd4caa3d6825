-- A shop with wide and narrow tables. With indexes.sql it is the first migration of shop/models.prisma.
CREATE TYPE status AS ENUM ('new', 'paid', 'shipped', 'done');
CREATE TABLE customer (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, created timestamptz NOT NULL, prefs jsonb);
CREATE TABLE product (id serial PRIMARY KEY, title text NOT NULL, body text, price numeric(12,2) NOT NULL, tags text[] NOT NULL, photo bytea);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, status status NOT NULL, at timestamptz NOT NULL, note text, address text NOT NULL);
CREATE TABLE item (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, product_id int NOT NULL REFERENCES product, quantity int NOT NULL, price numeric(12,2) NOT NULL);
