//! Documents as Alibaba's RPC services print them in XML: an element for each part of a struct, a list as its element repeated, no
//! attributes, nothing for what is not there.

mod escape;

use std::fmt::Display;

use serde::ser::{Impossible, SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

const DECLARATION: &str = "<?xml version='1.0' encoding='UTF-8'?>";

/// A document of a shape that has no form here.
#[derive(Debug, thiserror::Error)]
#[error("failed to print a document as XML: {0}")]
pub(super) struct XmlError(String);

impl serde::ser::Error for XmlError {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// The whole document, with an outermost element of that name.
pub(super) fn print(root: &str, document: &impl Serialize) -> Result<String, XmlError> {
    let mut out = DECLARATION.to_owned();
    document.serialize(Element { out: &mut out, name: root })?;
    Ok(out)
}

/// Where one element of that name is written.
struct Element<'a> {
    out: &'a mut String,
    name: &'a str,
}

impl<'a> Element<'a> {
    fn text(self, text: &str) -> Result<(), XmlError> {
        open(self.out, self.name);
        escape::push(self.out, text);
        close(self.out, self.name);
        Ok(())
    }

    /// The parts of a struct or map, inside the opened element.
    fn parts(self) -> Parts<'a> {
        open(self.out, self.name);
        Parts { out: self.out, name: self.name, key: String::new() }
    }
}

fn open(out: &mut String, name: &str) {
    out.extend(["<", name, ">"]);
}

fn close(out: &mut String, name: &str) {
    out.extend(["</", name, ">"]);
}

fn shapeless<T>(shape: &str) -> Result<T, XmlError> {
    Err(XmlError(format!("a {shape} has no form there")))
}

macro_rules! as_text {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<(), XmlError> {
            self.text(&value.to_string())
        }
    )*};
}

impl<'a> Serializer for Element<'a> {
    type Ok = ();
    type Error = XmlError;
    type SerializeSeq = Repeated<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeTuple = Impossible<(), XmlError>;
    type SerializeTupleStruct = Impossible<(), XmlError>;
    type SerializeTupleVariant = Impossible<(), XmlError>;
    type SerializeStructVariant = Impossible<(), XmlError>;

    as_text! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_char(char)
    }

    fn serialize_f32(self, value: f32) -> Result<(), XmlError> {
        self.text(&format!("{value:?}"))
    }

    /// With a point always, as JSON has it.
    fn serialize_f64(self, value: f64) -> Result<(), XmlError> {
        self.text(&format!("{value:?}"))
    }

    fn serialize_str(self, text: &str) -> Result<(), XmlError> {
        self.text(text)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), XmlError> {
        shapeless("string of bytes")
    }

    fn serialize_none(self) -> Result<(), XmlError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), XmlError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), XmlError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), XmlError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), XmlError> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), XmlError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), XmlError> {
        shapeless("variant with a value")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Repeated<'a>, XmlError> {
        Ok(Repeated { out: self.out, name: self.name })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, XmlError> {
        shapeless("tuple")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, XmlError> {
        shapeless("tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, XmlError> {
        shapeless("variant with values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, XmlError> {
        Ok(self.parts())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, XmlError> {
        Ok(self.parts())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, XmlError> {
        shapeless("variant with parts")
    }
}

/// A list: its element, again and again.
struct Repeated<'a> {
    out: &'a mut String,
    name: &'a str,
}

impl SerializeSeq for Repeated<'_> {
    type Ok = ();
    type Error = XmlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), XmlError> {
        value.serialize(Element { out: self.out, name: self.name })
    }

    fn end(self) -> Result<(), XmlError> {
        Ok(())
    }
}

/// The parts of an element that is open.
struct Parts<'a> {
    out: &'a mut String,
    name: &'a str,
    key: String,
}

impl SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = XmlError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), XmlError> {
        value.serialize(Element { out: self.out, name })
    }

    fn end(self) -> Result<(), XmlError> {
        close(self.out, self.name);
        Ok(())
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = XmlError;

    /// Keys are names of elements: they are all ours and need no escape.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), XmlError> {
        let key = serde_json::to_value(key).map_err(serde::ser::Error::custom)?;
        let key = key.as_str().ok_or_else(|| XmlError("a key is no text".to_owned()))?;
        self.key = key.to_owned();
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), XmlError> {
        value.serialize(Element { out: self.out, name: &self.key })
    }

    fn end(self) -> Result<(), XmlError> {
        close(self.out, self.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Inner {
        #[serde(rename = "Key")]
        key: &'static str,
    }

    #[derive(Serialize)]
    struct Outer {
        #[serde(rename = "Images")]
        images: Vec<&'static str>,
        #[serde(rename = "Tags")]
        tags: Vec<Inner>,
        #[serde(rename = "Cpu")]
        cpu: f64,
        #[serde(rename = "Gone")]
        gone: Option<u32>,
    }

    #[test]
    fn lists_repeat_their_element_and_nothing_stands_for_nothing() {
        let document = Outer {
            images: vec!["a&b", "<c>"],
            tags: vec![Inner { key: "\u{1b}x\r\n" }, Inner { key: "" }],
            cpu: 2.0,
            gone: None,
        };
        assert_eq!(
            print("XResponse", &document).unwrap(),
            "<?xml version='1.0' encoding='UTF-8'?><XResponse><Images>a&amp;b</Images><Images>&lt;c&gt;</Images>\
             <Tags><Key>\u{fffd}x&#13;\n</Key></Tags><Tags><Key></Key></Tags><Cpu>2.0</Cpu></XResponse>"
        );
    }
}
