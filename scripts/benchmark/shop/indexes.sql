CREATE INDEX ON orders (customer_id);
CREATE INDEX ON item (order_id);
CREATE INDEX ON item (product_id);
