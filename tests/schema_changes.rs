//! `fixtures/schema-changes`: a schema changes, rows are lost, `safemigrate reinsert` brings them back. A test for each folder.

#[path = "schema_changes/case.rs"]
mod case;
#[path = "schema_changes/dump.rs"]
mod dump;
mod support;

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                case::play(stringify!($name));
            }
        )*

        #[test]
        fn every_folder_is_a_test() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema-changes");
            let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
            let folders = entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().into_string().unwrap());
            let mut folders: Vec<String> = folders.collect();
            folders.sort();
            let mut listed = vec![$(stringify!($name)),*];
            listed.sort_unstable();
            assert_eq!(folders, listed);
        }
    };
}

cases! {
    another_unique_key_taken
    array_to_jsonb
    bigint_to_integer_rejects_saved
    bigint_to_integer_too_big
    boolean_to_integer
    case_only_renames
    cast_by_expression
    char_n
    check_constraint_added
    column_renamed
    column_renamed_without_map
    columns_swapped
    cycle_deferrable
    cycle_of_three
    cycle_with_a_rejected_row
    domain_with_check
    enum_renamed
    enum_to_text_and_back
    enum_value_removed
    enum_value_removed_mapped
    extension_types
    float_overflow
    float_to_integer
    foreign_keys_any_order
    functions_find_public
    generated_columns
    hostile_role_settings
    id_integer_to_text
    identity_always
    inheritance
    integer_to_bigint
    integer_to_text
    json_to_jsonb_and_text
    key_column_new
    key_column_replaced
    key_extended
    keyless_table
    list_to_scalar
    list_to_scalar_refused
    map_value_is_no_value
    materialized_view_of_another_owner
    materialized_view_that_breaks
    materialized_views
    model_split_in_two
    name_that_is_nowhere
    no_right_to_temporary_tables
    not_the_owner
    nothing_changed_nothing_lost
    numbers_to_floats
    numeric_narrower
    odd_names
    one_table
    one_table_without_its_parents
    optional_to_required
    optional_to_required_filled
    optional_to_required_saved
    orphans_under_a_new_constraint
    owner_without_other_rights
    partitioned
    partitioned_to_plain
    plain_to_partitioned
    present_fill
    present_replace
    present_replace_orphans
    present_skip
    present_update
    present_update_unasked
    rejected_parent_rejects_its_children
    relation_becomes_many_to_many
    required_column_empty_value
    required_column_fill
    required_column_with_default
    required_foreign_key_refused
    required_identity_and_serial
    required_unique_refused
    row_security_forced
    row_security_not_ours
    scalar_to_array
    sequences_only_forward
    several_schemas
    states_stay
    table_and_column_renamed
    table_gone
    table_moved_to_another_schema
    table_renamed
    tables_swapped
    text_to_integer
    text_to_integer_bad_row
    text_to_integer_map_value
    text_to_many_types
    text_to_uuid
    timestamp_to_date
    timestamps_are_utc
    triggers_and_rules_quiet
    two_models_merged
    two_models_merged_colliding
    unique_key_added
    unique_not_null_key_is_identity
    values_of_every_type
    values_swapped
    varchar_shorter
    varchar_shorter_saved
}
