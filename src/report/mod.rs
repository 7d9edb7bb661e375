//! Reports: folds over the events of a run. A reporter writes nothing itself; it gives
//! text, and [`Output`] decides where that goes.
