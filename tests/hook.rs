//! `lint` and `hook`: real repositories, a real bare remote, real pushes.

mod support;

mod hook {
    mod evidence;
    mod history;
    mod lint;
    mod managers;
    mod pushes;
    pub mod repository;
}
