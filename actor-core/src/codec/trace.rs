//! What serde sees of a value: a serializer that hands each event to a sink.
//!
//! Unlike in JSON, no two values of serde's data model have the same events.

use std::fmt;

use serde::ser::{self, Serialize};

use super::path::{Root, Segment};
use super::{ValueError, ValueProblem};
use crate::limits;

/// The kinds of events.
pub(super) mod tag {
    pub(in crate::codec) const BOOL: u8 = 1;
    pub(in crate::codec) const I8: u8 = 2;
    pub(in crate::codec) const I16: u8 = 3;
    pub(in crate::codec) const I32: u8 = 4;
    pub(in crate::codec) const I64: u8 = 5;
    pub(in crate::codec) const I128: u8 = 6;
    pub(in crate::codec) const U8: u8 = 7;
    pub(in crate::codec) const U16: u8 = 8;
    pub(in crate::codec) const U32: u8 = 9;
    pub(in crate::codec) const U64: u8 = 10;
    pub(in crate::codec) const U128: u8 = 11;
    pub(in crate::codec) const F32: u8 = 12;
    pub(in crate::codec) const F64: u8 = 13;
    pub(in crate::codec) const CHAR: u8 = 14;
    pub(in crate::codec) const STR: u8 = 15;
    pub(in crate::codec) const BYTES: u8 = 16;
    pub(in crate::codec) const NONE: u8 = 17;
    pub(in crate::codec) const SOME: u8 = 18;
    pub(in crate::codec) const UNIT: u8 = 19;
    pub(in crate::codec) const UNIT_STRUCT: u8 = 20;
    pub(in crate::codec) const VARIANT: u8 = 21;
    pub(in crate::codec) const NEWTYPE: u8 = 22;
    pub(in crate::codec) const SEQUENCE: u8 = 23;
    pub(in crate::codec) const TUPLE: u8 = 24;
    pub(in crate::codec) const MAP: u8 = 25;
    pub(in crate::codec) const ENTRY: u8 = 26;
    pub(in crate::codec) const STRUCT: u8 = 27;
    pub(in crate::codec) const FIELD: u8 = 28;
    pub(in crate::codec) const END: u8 = 29;
    /// Apart from `VARIANT`, because it has no end.
    pub(in crate::codec) const UNIT_VARIANT: u8 = 30;
}

/// Takes the events of a value.
pub(super) trait Sink {
    /// A value without parts.
    fn leaf(&mut self, tag: u8, data: &[u8]);
    /// A value with parts begins.
    fn open(&mut self, tag: u8, data: &[u8], place: Option<&Segment>);
    /// It ends.
    fn close(&mut self);
}

/// The events as bytes.
pub(super) struct Bytes<'b>(pub(super) &'b mut Vec<u8>);

impl Sink for Bytes<'_> {
    fn leaf(&mut self, tag: u8, data: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&data.len().to_le_bytes());
        self.0.extend_from_slice(data);
    }

    fn open(&mut self, tag: u8, data: &[u8], _place: Option<&Segment>) {
        self.leaf(tag, data);
    }

    fn close(&mut self) {
        self.0.push(tag::END);
    }
}

/// Traces a value, and refuses what JSON does not have.
pub(super) fn trace(
    root: Root<'_>,
    value: &impl Serialize,
    sink: &mut dyn Sink,
) -> Result<(), ValueError> {
    let mut tracer = Tracer {
        sink,
        path: Vec::new(),
        depth: 0,
        wrappers: 0,
    };
    value.serialize(&mut tracer).map_err(|fault| ValueError {
        path: root.render(&tracer.path),
        problem: fault.0,
    })
}

/// A refusal. Its place is where the tracer is.
#[derive(Debug)]
pub(super) struct Refused(pub(super) ValueProblem);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let reason = message.to_string();
        Self(ValueProblem::NotWritten { reason })
    }
}

pub(super) struct Tracer<'s> {
    // Not a parameter: each type of a user's is compiled once for it.
    sink: &'s mut dyn Sink,
    /// Where it is. A refusal leaves it where it arose.
    path: Vec<Segment>,
    depth: usize,
    /// How many options and newtypes are open: JSON has no level for them, but the stack has.
    wrappers: usize,
}

impl Tracer<'_> {
    /// INVARIANT 2 of the codec: neither the tracer nor the reader goes deeper than this.
    fn open(&mut self, tag: u8, data: &[u8], place: Option<&Segment>) -> Result<(), Refused> {
        let limit = limits::VALUE_DEPTH;
        if self.depth >= limit {
            return Err(Refused(ValueProblem::TooDeep { limit }));
        }
        self.depth += 1;
        self.sink.open(tag, data, place);
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.sink.close();
    }

    /// Traces what is the same value to JSON as the one in it.
    fn wrapped(
        &mut self,
        tag: u8,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Refused> {
        let limit = limits::VALUE_WRAPPERS;
        if self.wrappers >= limit {
            return Err(Refused(ValueProblem::TooDeep { limit }));
        }
        self.wrappers += 1;
        self.sink.open(tag, name.as_bytes(), None);
        value.serialize(&mut *self)?;
        self.wrappers -= 1;
        self.sink.close();
        Ok(())
    }

    /// Traces a part of a value.
    fn part(&mut self, place: Segment, value: &(impl Serialize + ?Sized)) -> Result<(), Refused> {
        self.path.push(place);
        value.serialize(&mut *self)?;
        self.path.pop();
        Ok(())
    }

    fn float(&mut self, tag: u8, bits: &[u8], is_finite: bool) -> Result<(), Refused> {
        if !is_finite {
            return Err(Refused(ValueProblem::NotFinite));
        }
        self.sink.leaf(tag, bits);
        Ok(())
    }
}

/// Names a variant with its enum: another enum may have a variant of that name.
fn names(name: &str, variant: &str) -> Vec<u8> {
    [name.as_bytes(), &[0xff], variant.as_bytes()].concat()
}

macro_rules! leaves {
    ($($method:ident($type:ty) $tag:ident,)*) => {$(
        fn $method(self, value: $type) -> Result<(), Refused> {
            self.sink.leaf(tag::$tag, &value.to_le_bytes());
            Ok(())
        }
    )*};
}

impl<'t, 's> ser::Serializer for &'t mut Tracer<'s> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parts<'t, 's>;
    type SerializeTuple = Parts<'t, 's>;
    type SerializeTupleStruct = Parts<'t, 's>;
    type SerializeTupleVariant = Parts<'t, 's>;
    type SerializeMap = Parts<'t, 's>;
    type SerializeStruct = Parts<'t, 's>;
    type SerializeStructVariant = Parts<'t, 's>;

    leaves! {
        serialize_i8(i8) I8, serialize_i16(i16) I16, serialize_i32(i32) I32,
        serialize_i64(i64) I64, serialize_i128(i128) I128,
        serialize_u8(u8) U8, serialize_u16(u16) U16, serialize_u32(u32) U32,
        serialize_u64(u64) U64, serialize_u128(u128) U128,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.sink.leaf(tag::BOOL, &[u8::from(value)]);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        self.float(tag::F32, &value.to_bits().to_le_bytes(), value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        self.float(tag::F64, &value.to_bits().to_le_bytes(), value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.sink.leaf(tag::CHAR, &u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.sink.leaf(tag::STR, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        self.sink.leaf(tag::BYTES, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.sink.leaf(tag::NONE, &[]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.wrapped(tag::SOME, "", value)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.sink.leaf(tag::UNIT, &[]);
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Refused> {
        self.sink.leaf(tag::UNIT_STRUCT, name.as_bytes());
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        self.sink.leaf(tag::UNIT_VARIANT, &names(name, variant));
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.wrapped(tag::NEWTYPE, name, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        let place = Segment::Variant(variant);
        self.open(tag::VARIANT, &names(name, variant), Some(&place))?;
        self.part(place, value)?;
        self.close();
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Parts<'t, 's>, Refused> {
        Parts::open(self, tag::SEQUENCE, "")
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts<'t, 's>, Refused> {
        Parts::open(self, tag::TUPLE, "")
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _length: usize,
    ) -> Result<Parts<'t, 's>, Refused> {
        Parts::open(self, tag::TUPLE, name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts<'t, 's>, Refused> {
        Parts::open_variant(self, tag::TUPLE, name, variant)
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Parts<'t, 's>, Refused> {
        Parts::open(self, tag::MAP, "")
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _length: usize,
    ) -> Result<Parts<'t, 's>, Refused> {
        Parts::open(self, tag::STRUCT, name)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts<'t, 's>, Refused> {
        Parts::open_variant(self, tag::STRUCT, name, variant)
    }
}

/// The parts of a value, one after the other.
pub(super) struct Parts<'t, 's> {
    tracer: &'t mut Tracer<'s>,
    index: usize,
    variant: bool,
}

impl<'t, 's> Parts<'t, 's> {
    fn open(tracer: &'t mut Tracer<'s>, tag: u8, name: &str) -> Result<Self, Refused> {
        tracer.open(tag, name.as_bytes(), None)?;
        Ok(Self {
            tracer,
            index: 0,
            variant: false,
        })
    }

    fn open_variant(
        tracer: &'t mut Tracer<'s>,
        tag: u8,
        name: &'static str,
        variant: &'static str,
    ) -> Result<Self, Refused> {
        let place = Segment::Variant(variant);
        tracer.open(tag::VARIANT, &names(name, variant), Some(&place))?;
        tracer.path.push(place);
        let parts = Self::open(tracer, tag, "")?;
        Ok(Self {
            variant: true,
            ..parts
        })
    }

    fn next(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Refused> {
        let place = Segment::Index(self.index);
        self.index += 1;
        self.tracer.part(place, value)
    }

    fn field(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Refused> {
        let place = Segment::Field(name);
        self.tracer
            .sink
            .open(tag::FIELD, name.as_bytes(), Some(&place));
        self.tracer.part(place, value)?;
        self.tracer.sink.close();
        Ok(())
    }

    fn finish(self) {
        self.tracer.close();
        if self.variant {
            self.tracer.path.pop();
            self.tracer.close();
        }
    }
}

macro_rules! sequences {
    ($($trait:ident $method:ident,)*) => {$(
        impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.next(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

sequences! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! structs {
    ($($trait:ident,)*) => {$(
        impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        let (mut data, text) = super::tree::key(key)?;
        data.extend_from_slice(text.as_bytes());
        let place = Segment::Key(text);
        self.tracer.sink.open(tag::ENTRY, &data, Some(&place));
        self.tracer.path.push(place);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.tracer)?;
        self.tracer.path.pop();
        self.tracer.sink.close();
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        self.finish();
        Ok(())
    }
}
