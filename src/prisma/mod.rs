//! The user's project: configuration, environment, schema, migrations, and running its Prisma.
