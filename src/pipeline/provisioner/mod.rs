//! Ready-made provisioners.
