//! Small lives of a folder: what both sides agreed on, what was changed on each meanwhile, what is done about
//! it, and what both have then.

use super::world::{World, in_mode};
use super::*;
use Mode::{Archive, Backup, Pull, Sync};

/// Mode; what was agreed on; changes here; changes there; what is done; what both have then, or each side
/// with a bar between them.
type Life = (Mode, &'static str, &'static str, &'static str, &'static str, &'static str);

const MOVED_HERE: &[Life] = &[
    (Sync, "d/a=x z=z", "d>e -e/a e/b=y", "", "make there e, upload e/b, trash there d", "e/ e/b=y z=z"),
    (Backup, "d/a=x z=z", "d>e -e/a e/b=y", "", "make there e, upload e/b, trash there d", "e/ e/b=y z=z"),
    (
        Sync,
        "d/a=x d/b=y z=z",
        "d>e",
        "d/a=w@200",
        "move there d to e, download e/a",
        "e/ e/a=w@200 e/b=y z=z",
    ),
    (
        Backup,
        "d/a=x z=z",
        "d>e",
        "d/a=w@200 d/n=1",
        "move there d to e, upload e/a",
        "e/ e/a=x z=z | e/ e/a=x e/n=1 z=z",
    ),
    (Archive, "d/a=x z=z", "d>e e/b=n", "", "move there d to e, upload e/b", "e/ e/a=x e/b=n z=z"),
    (Archive, "d/a=x z=z", "d/a>d/b", "d/a=y@200", "move there d/a to d/b, upload d/b", "d/ d/b=x z=z"),
    (Sync, "a=x", "a>b a=y@200", "", "move there a to b, upload a", "a=y@200 b=x"),
    (
        Sync,
        "d/a=x e/b=y z=z",
        "e>d/e d>f",
        "",
        "move there d to f, move there e to f/e",
        "f/ f/a=x f/e/ f/e/b=y z=z",
    ),
    (Sync, "d/e/f/a=x z=z", "d/e/f>f -d", "", "move there d/e/f to f, trash there d", "f/ f/a=x z=z"),
    (
        Sync,
        "a=x d/b=y",
        "a>t d>a t>d",
        "",
        "move there a to (parked), move there d to a, move there (parked) to d",
        "a/ a/b=y d=x",
    ),
    (
        Backup,
        "a=x d/b=y",
        "a>t d>a t>d",
        "",
        "move there a to (parked), move there d to a, move there (parked) to d",
        "a/ a/b=y d=x",
    ),
    (
        Sync,
        "d/a=x D2/b=y z=z",
        "d>D D2>d2",
        "",
        "move there D2 to (parked), move there (parked) to d2, move there d to (parked), move there (parked) to D",
        "D/ D/a=x d2/ d2/b=y z=z",
    ),
    (Sync, "a=x b=x c=y", "a>d/a", "b>d/b", "move there a to d/a, move here b to d/b", "c=y d/ d/a=x d/b=x"),
    (Sync, "a=x b=y", "a>c", "b>c", "move here c to c~, move there a to c~, move here b to c", "c=y c~=x"),
    (Sync, "a=x b=y", "a>c", "", "move there a to c", "b=y c=x"),
    (Sync, "d/ d/a=x d/b=y z=z", "d>e", "", "move there d to e", "e/ e/a=x e/b=y z=z"),
    (Sync, "d/ d/a=x e/", "d/a>e/a", "", "move there d/a to e/a", "d/ e/ e/a=x"),
    (Sync, "d/ d/a=x e/", "d>e/d", "", "move there d to e/d", "e/ e/d/ e/d/a=x"),
    (
        Sync,
        "d/a=x d/b=y e/c=z z=z",
        "d>f e>d f>e",
        "",
        "move there d to (parked), move there e to d, move there (parked) to e",
        "d/ d/c=z e/ e/a=x e/b=y z=z",
    ),
    (
        Sync,
        "a=x b=y",
        "a>t b>a t>b",
        "",
        "move there a to (parked), move there b to a, move there (parked) to b",
        "a=y b=x",
    ),
    (
        Backup,
        "a=x b=y",
        "a>t b>a t>b",
        "",
        "move there a to (parked), move there b to a, move there (parked) to b",
        "a=y b=x",
    ),
    (
        Backup,
        "d/a=x d/b=y z=z",
        "d>e e/b>c",
        "",
        "move there d/b to c, move there d to e",
        "c=y e/ e/a=x z=z",
    ),
    (Archive, "a=x", "a>b", "", "move there a to b", "b=x"),
    (Pull, "a=x", "a>b", "", "download a", "a=x b=x | a=x"),
    (Sync, "a=x d/", "a>d/a", "a=y@200", "download a, upload d/a", "a=y@200 d/ d/a=x"),
    (Backup, "a=x d/", "a>d/a", "a=y@200", "move there a to d/a, upload d/a", "d/ d/a=x"),
    (Sync, "a=x d/", "a>d/a", "-a", "upload d/a", "d/ d/a=x"),
    (Sync, "d/a=x z=z", "d>e", "d/b=new", "move there d to e, download e/b", "e/ e/a=x e/b=new z=z"),
    (Sync, "d/a=x z=z", "d>e", "-d", "make there e, upload e/a", "e/ e/a=x z=z"),
    (
        Sync,
        "d/a=x z=z",
        "d>e",
        "d>f",
        "make there e, make here f, upload e/a, download f/a",
        "e/ e/a=x f/ f/a=x z=z",
    ),
    (Sync, "a=x", "a>b b=y@200", "", "move there a to b, upload b", "b=y@200"),
    (
        Sync,
        "d/a=x z=z",
        "d>e",
        "e/b=other",
        "move there d/a to e/a, download e/b, trash there d",
        "e/ e/a=x e/b=other z=z",
    ),
    (Sync, "a=x b=x", "a>c b>d", "", "move there a to c, move there b to d", "c=x d=x"),
    (Sync, "d/a=x z=z", "d>D", "", "move there d to (parked), move there (parked) to D", "D/ D/a=x z=z"),
    (Backup, "d/a=x z=z", "d>D", "", "move there d to (parked), move there (parked) to D", "D/ D/a=x z=z"),
    (Sync, "a=x", "a>A", "", "move there a to (parked), move there (parked) to A", "A=x"),
    (Backup, "a=x", "a>A", "", "move there a to (parked), move there (parked) to A", "A=x"),
    (
        Sync,
        "a=x b=y",
        "b>d/e/b",
        "",
        "make there d, make there d/e, move there b to d/e/b",
        "a=x d/ d/e/ d/e/b=y",
    ),
    (
        Backup,
        "d/e/a=x z=z",
        "d/e>e d>e/d",
        "",
        "move there d/e to e, move there d to e/d",
        "e/ e/a=x e/d/ z=z",
    ),
    (
        Sync,
        "d/e/a=x d/b=y z=z",
        "d>f f/e>g",
        "",
        "move there d/e to g, move there d to f",
        "f/ f/b=y g/ g/a=x z=z",
    ),
    (Sync, "d/ z=z", "d>e", "", "move there d to e", "e/ z=z"),
    (
        Backup,
        "d/a=x d/b=y d/c=w z=z",
        "d>e -e/b e/c=v@200",
        "",
        "move there d to e, upload e/c, trash there e/b",
        "e/ e/a=x e/c=v@200 z=z",
    ),
    (
        Backup,
        "d/a=x z=z",
        "d>e d/n=new",
        "",
        "move there d to e, make there d, upload d/n",
        "d/ d/n=new e/ e/a=x z=z",
    ),
];

const MOVED_THERE: &[Life] = &[
    (
        Sync,
        "d/a=x z=z",
        "",
        "d>e e/a=y@200 e/n=1",
        "make here e, download e/a, download e/n, trash here d",
        "e/ e/a=y@200 e/n=1 z=z",
    ),
    (Pull, "d/a=x d/b=y", "-d/a", "d>e", "move here d to e, download e/a", "e/ e/a=x e/b=y"),
    (Pull, "d/a=x d/b=y", "d/c=new", "d>e", "move here d to e", "e/ e/a=x e/b=y e/c=new | e/ e/a=x e/b=y"),
    (
        Sync,
        "d/a=x e/a=x",
        "",
        "d>f e>g",
        "move here d to f, make here g, move here e/a to g/a, trash here e",
        "f/ f/a=x g/ g/a=x",
    ),
    (Sync, "d/a= d/b=", "", "d>e", "make here e, download e/a, download e/b, trash here d", "e/ e/a= e/b="),
    (Sync, "d/ d/e/ z=z", "", "d>f", "make here f, make here f/e, trash here d", "f/ f/e/ z=z"),
    (Sync, "d/a=x", "d/b=y e/", "d>e", "move here d/a to e/a, make there d, upload d/b", "d/ d/b=y e/ e/a=x"),
    (Sync, "a=x", "", "a>b a=y@200", "download a, copy a to b", "a=y@200 b=x"),
    (
        Sync,
        "d/a=x e/b=y z=z",
        "",
        "e>d/e d>f",
        "move here d to f, move here e to f/e",
        "f/ f/a=x f/e/ f/e/b=y z=z",
    ),
    (Pull, "d/e/f/a=x z=z", "", "d/e/f>f -d", "move here d/e/f to f, trash here d", "f/ f/a=x z=z"),
    (
        Sync,
        "a=x d/b=y",
        "",
        "a>t d>a t>d",
        "trash here a, trash here d, make here a, download d, download a/b",
        "a/ a/b=y d=x",
    ),
    (Pull, "a=x A2=y", "", "a>A A2>a2", "move here A2 to a2, move here a to A", "A=x a2=y"),
    (
        Sync,
        "d/a=x f/b=y z=z",
        "",
        "d>g f>d",
        "move here f/b to d/b, make here g, move here d/a to g/a, trash here f",
        "d/ d/b=y g/ g/a=x z=z",
    ),
    (
        Sync,
        "d/a=x d/b=y d/c=w z=z",
        "",
        "d/a>e/a d/b>e/b d/c>f/c -d",
        "move here d to e, make here f, move here e/c to f/c",
        "e/ e/a=x e/b=y f/ f/c=w z=z",
    ),
    (Sync, "a=x b=y", "", "a>c", "move here a to c", "b=y c=x"),
    (Sync, "d/ d/a=x d/b=y", "", "d>e", "move here d to e", "e/ e/a=x e/b=y"),
    (Sync, "d/ d/a=x e/", "", "d/a>e/a", "move here d/a to e/a", "d/ e/ e/a=x"),
    (Sync, "d/ d/a=x e/", "", "d>e/d", "move here d to e/d", "e/ e/d/ e/d/a=x"),
    (
        Sync,
        "d/a=x d/b=y e/c=z",
        "",
        "d>f e>d f>e",
        "move here e/c to d/c, move here d/a to e/a, move here d/b to e/b",
        "d/ d/c=z e/ e/a=x e/b=y",
    ),
    (Sync, "a=x b=y", "", "a>t b>a t>b", "copy b to a, copy a to b", "a=y b=x"),
    (Pull, "d/a=x d/b=y", "", "d>e e/b>c", "move here d to e, move here e/b to c", "c=y e/ e/a=x"),
    (Pull, "a=x", "", "a>b", "move here a to b", "b=x"),
    (Backup, "a=x", "", "a>b", "upload a", "a=x | a=x b=x"),
    (Archive, "a=x", "", "a>b", "upload a", "a=x | a=x b=x"),
    (Sync, "a=x", "a=y@200", "a>b", "upload a, download b", "a=y@200 b=x"),
    (Sync, "a=x", "-a", "a>b", "download b", "b=x"),
    (Sync, "d/a=x d/b=y", "d/a=z@200", "d>e", "move here d to e, upload e/a", "e/ e/a=z@200 e/b=y"),
    (Sync, "d/a=x d/b=y", "d/c=new", "d>e", "move here d to e, upload e/c", "e/ e/a=x e/b=y e/c=new"),
    (
        Sync,
        "d/a=x d/b=y",
        "e/c=new",
        "d>e",
        "move here d/a to e/a, move here d/b to e/b, upload e/c, trash here d",
        "e/ e/a=x e/b=y e/c=new",
    ),
    (Sync, "a=x b=x", "", "a>c b>d", "copy a to c, copy a to d, trash here a, trash here b", "c=x d=x"),
    (
        Sync,
        "a=x b=x",
        "",
        "a>d/a b>d/b",
        "make here d, move here a to d/a, move here b to d/b",
        "d/ d/a=x d/b=x",
    ),
    (Sync, "d/a=x", "", "d>D", "move here d to D", "D/ D/a=x"),
    (Pull, "d/a=x", "", "d>D", "move here d to D", "D/ D/a=x"),
    (Backup, "d/a=x", "", "d>D", "", "d/ d/a=x | D/ D/a=x"),
    (Sync, "a=x", "", "a>A", "move here a to A", "A=x"),
    (Sync, "d/a=x e/b=y", "", "d>e/d", "move here d to e/d", "e/ e/b=y e/d/ e/d/a=x"),
    (
        Sync,
        "d/e/a=x",
        "",
        "d>f f/e>f/g",
        "make here f, move here d/e to f/g, trash here d",
        "f/ f/g/ f/g/a=x",
    ),
    (Sync, "d/e/a=x d/e/b=y", "", "d/e>e -d", "move here d/e to e, trash here d", "e/ e/a=x e/b=y"),
    (Sync, "a= b=y", "", "a>c", "download c, trash here a", "b=y c="),
    (Sync, "a=x d/b=y", "a>c", "d>e", "move there a to c, move here d to e", "c=x e/ e/b=y"),
    (
        Sync,
        "d/a=x z=z",
        "d/a>c",
        "d>e",
        "upload c, make here e, download e/a, trash here d",
        "c=x e/ e/a=x z=z",
    ),
    (Sync, "d/a=x d/b=y e/a=x", "", "d>f", "move here d to f", "e/ e/a=x f/ f/a=x f/b=y"),
    (Sync, "d/a=x d/b=y", "d/b=z@200", "d>e -e/b", "move here d to e, upload e/b", "e/ e/a=x e/b=z@200"),
    (Pull, "a=x b=y", "", "a>c b=z@200", "move here a to c, download b", "b=z@200 c=x"),
    (Sync, "a=x", "", "a>b b=y@200", "download b, trash here a", "b=y@200"),
];

const CHANGED: &[Life] = &[
    (Sync, "a=x", "a=y@200", "", "upload a", "a=y@200"),
    (Sync, "a=x", "", "a=y@200", "download a", "a=y@200"),
    (Sync, "a=x", "a=y@200", "a=z@300", "move here a to a~, download a, upload a~", "a=z@300 a~=y@200"),
    (Sync, "a=x", "a=y@200", "a=y@200", "", "a=y@200"),
    (Sync, "a=x", "a=y@200", "a=y@300", "set time there a", "a=y@200"),
    (Sync, "a=x", "a=x@200", "", "set time there a", "a=x@200"),
    (Sync, "a=x", "", "a=x@200", "set time here a", "a=x@200"),
    (Sync, "a=x", "a=x@200", "a=x@300", "set time there a", "a=x@200"),
    (Sync, "a=x", "-a", "", "trash there a", ""),
    (Sync, "a=x", "", "-a", "trash here a", ""),
    (Sync, "a=x", "-a", "-a", "", ""),
    (Sync, "a=x", "-a", "a=y@200", "download a", "a=y@200"),
    (Sync, "a=x", "a=y@200", "-a", "upload a", "a=y@200"),
    (Sync, "", "a=x", "a=x", "", "a=x"),
    (Sync, "", "a=x@200", "a=x", "set time here a", "a=x"),
    (Sync, "", "a=x", "a=y", "move here a to a~, download a, upload a~", "a=y a~=x"),
    (Sync, "", "d/a=x", "d/b=y", "download d/b, upload d/a", "d/ d/a=x d/b=y"),
    (Sync, "", "a=x", "a/b=y", "move here a to a~, make here a, upload a~, download a/b", "a/ a~=x a/b=y"),
    (Sync, "", "a/b=x", "a=y", "move there a to a~, make there a, upload a/b, download a~", "a/ a~=y a/b=x"),
    (Sync, "a=x", "-a a/b=y", "", "trash there a, make there a, upload a/b", "a/ a/b=y"),
    (Sync, "a=x", "", "-a a/b=y", "trash here a, make here a, download a/b", "a/ a/b=y"),
    (Sync, "a/b=x", "-a a=y", "", "trash there a, upload a", "a=y"),
    (Sync, "a/b=x", "", "-a a=y", "trash here a, download a", "a=y"),
    (
        Sync,
        "d/a=x d/b=y z=z",
        "-d",
        "d/a=z@200",
        "make here d, copy z to d/a, trash there d/b",
        "d/ d/a=z@200 z=z",
    ),
    (Sync, "d/a=x d/b=y", "d/a=z@200", "-d", "make there d, upload d/a, trash here d/b", "d/ d/a=z@200"),
    (
        Sync,
        "d/a=x d/b=y z=z",
        "-d",
        "d/c=z",
        "make here d, copy z to d/c, trash there d/a, trash there d/b",
        "d/ d/c=z z=z",
    ),
    (
        Sync,
        "d/a=x d/b=y",
        "d/c=z",
        "-d",
        "make there d, upload d/c, trash here d/a, trash here d/b",
        "d/ d/c=z",
    ),
    (Sync, "d/a=x d/e/b=y z=z", "-d", "", "trash there d", "z=z"),
    (Sync, "d/a=x d/e/b=y", "", "-d", "trash here d", ""),
    (Sync, "d/a=x d/e/b=y z=z", "-d", "-d", "", "z=z"),
    (Sync, "d/ z=z", "-d", "", "trash there d", "z=z"),
    (Sync, "d/", "", "-d", "trash here d", ""),
    (Sync, "d/a=x", "-d d=file", "", "trash there d, upload d", "d=file"),
    (
        Sync,
        "d/a=x",
        "-d d=file",
        "d/a=y@200",
        "move here d to d~, make here d, upload d~, download d/a",
        "d/ d~=file d/a=y@200",
    ),
    (
        Sync,
        "d/a=x",
        "d/a=y@200",
        "-d d=file",
        "move there d to d~, make there d, upload d/a, download d~",
        "d/ d~=file d/a=y@200",
    ),
    (Sync, "d/a=x", "d/l->", "-d", "trash here d/a", "d/ d/l-> | "),
    (Sync, "d/a=x d/b=y", "d/l->", "-d/a", "trash here d/a", "d/ d/b=y d/l-> | d/ d/b=y"),
    (Sync, "a=x a2=x", "-a", "a2=y@200", "download a2, trash there a", "a2=y@200"),
    (
        Sync,
        "",
        "d/e/f/a=x d/e/b=y",
        "",
        "make there d, make there d/e, upload d/e/b, make there d/e/f, upload d/e/f/a",
        "d/ d/e/ d/e/b=y d/e/f/ d/e/f/a=x",
    ),
    (
        Sync,
        "",
        "",
        "d/e/f/a=x d/e/b=y",
        "make here d, make here d/e, download d/e/b, make here d/e/f, download d/e/f/a",
        "d/ d/e/ d/e/b=y d/e/f/ d/e/f/a=x",
    ),
    (Backup, "a=x", "a=y@200", "", "upload a", "a=y@200"),
    (Backup, "a=x", "", "a=y@200", "upload a", "a=x"),
    (Backup, "a=x", "a=y@200", "a=z@300", "upload a", "a=y@200"),
    (Backup, "a=x", "-a", "", "trash there a", ""),
    (Backup, "a=x", "", "-a", "upload a", "a=x"),
    (Backup, "a=x", "-a", "a=y@200", "", " | a=y@200"),
    (Backup, "a=x", "a=x@200", "", "set time there a", "a=x@200"),
    (Backup, "a=x", "", "a=x@200", "set time there a", "a=x"),
    (Backup, "", "a=x", "a=y", "upload a", "a=x"),
    (Backup, "", "a=x", "b=y", "upload a", "a=x | a=x b=y"),
    (Backup, "", "a=x", "a/b=y", "move there a to a~, upload a", "a=x | a=x a~/ a~/b=y"),
    (Backup, "", "a/b=x", "a=y", "move there a to a~, make there a, upload a/b", "a/ a/b=x | a/ a~=y a/b=x"),
    (Backup, "a=x", "-a a/b=y", "", "trash there a, make there a, upload a/b", "a/ a/b=y"),
    (Backup, "a/b=x", "-a a=y", "", "trash there a, upload a", "a=y"),
    (Backup, "a/b=x", "-a a=y", "a/b=z@200", "move there a to a~, upload a", "a=y | a=y a~/ a~/b=z@200"),
    (Backup, "d/a=x d/e/b=y z=z", "-d", "", "trash there d", "z=z"),
    (
        Backup,
        "d/a=x d/e/b=y",
        "",
        "-d",
        "make there d, upload d/a, make there d/e, upload d/e/b",
        "d/ d/a=x d/e/ d/e/b=y",
    ),
    (Backup, "d/a=x z=z", "-d", "d/b=new", "trash there d/a", "z=z | d/ d/b=new z=z"),
    (Backup, "d/a=x", "", "d/b=new", "", "d/ d/a=x | d/ d/a=x d/b=new"),
    (Backup, "d/ z=z", "-d", "", "trash there d", "z=z"),
    (Backup, "", "d/", "", "make there d", "d/"),
    (Archive, "a=x", "a=y@200", "", "upload a", "a=y@200"),
    (Archive, "a=x", "", "a=y@200", "upload a", "a=x"),
    (Archive, "a=x", "-a", "", "", " | a=x"),
    (Archive, "a=x", "", "-a", "upload a", "a=x"),
    (Archive, "d/a=x z=z", "-d", "", "", "z=z | d/ d/a=x z=z"),
    (Archive, "d/a=x", "-d d=y", "", "move there d to d~, upload d", "d=y | d=y d~/ d~/a=x"),
    (
        Archive,
        "a=x",
        "-a a/b=y",
        "",
        "move there a to a~, make there a, upload a/b",
        "a/ a/b=y | a/ a~=x a/b=y",
    ),
    (Archive, "", "d/a=x", "d/b=y", "upload d/a", "d/ d/a=x | d/ d/a=x d/b=y"),
    (Pull, "a=x", "a=y@200", "", "move here a to a~, download a", "a=x a~=y@200 | a=x"),
    (Pull, "a=x", "", "a=y@200", "download a", "a=y@200"),
    (Pull, "a=x", "a=y@200", "a=z@300", "move here a to a~, download a", "a=z@300 a~=y@200 | a=z@300"),
    (Pull, "a=x", "-a", "", "download a", "a=x"),
    (Pull, "a=x", "", "-a", "trash here a", ""),
    (Pull, "a=x", "a=y@200", "-a", "", "a=y@200 | "),
    (Pull, "a=x", "-a", "-a", "", ""),
    (Pull, "", "a=x", "", "", "a=x | "),
    (Pull, "", "a=x", "a=y", "move here a to a~, download a", "a=y a~=x | a=y"),
    (Pull, "", "d/a=x", "d=y", "move here d to d~, download d", "d=y d~/ d~/a=x | d=y"),
    (Pull, "d/a=x", "d/b=y", "-d", "trash here d/a", "d/ d/b=y | "),
    (Pull, "d/a=x", "", "-d", "trash here d", ""),
    (Pull, "a=x", "a=x@200", "", "set time here a", "a=x"),
    (Pull, "a=x", "", "a=x@200", "set time here a", "a=x@200"),
    (Pull, "a=x", "", "-a a/b=y", "trash here a, make here a, download a/b", "a/ a/b=y"),
    (Pull, "a/b=x", "", "-a a=y", "trash here a, download a", "a=y"),
    (Pull, "d/ z=z", "-d", "", "make here d", "d/ z=z"),
    (Pull, "", "", "d/e/a=x", "make here d, make here d/e, download d/e/a", "d/ d/e/ d/e/a=x"),
    (Pull, "d/a=x", "-d d=y", "", "move here d to d~, make here d, download d/a", "d/ d~=y d/a=x | d/ d/a=x"),
];

/// How a folder comes to know of changes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    /// A person asks for a pass.
    Asked,
    /// A watcher and the events of the service tell of each.
    Heard,
    /// Nothing ran meanwhile.
    Restarted,
}

/// What is done, said and wrong where nothing is left to do.
fn nothing() -> (String, Verdict, String) {
    (String::new(), Verdict::InSync, String::new())
}

/// Lives each life, and tells of all that differ from what was expected at once.
fn assert_lives(lives: &[Life], told: Told) {
    let mut wrong = Vec::new();
    // Of two changes that are heard of the first one is followed before the other one is made.
    let is_told = |life: &&Life| told != Told::Heard || life.2.is_empty() || life.3.is_empty();
    for (mode, agreed, here, there, done, both) in lives.iter().filter(is_told).copied() {
        let mut world = World::agreed(in_mode(mode), agreed);
        match told {
            Told::Asked => {
                world.here_unseen(here);
                world.there(there);
                world.sync();
            }
            Told::Heard => {
                world.listen();
                world.done();
                world.here(here);
                world.there_heard(there);
            }
            Told::Restarted => {
                world.here_unseen(here);
                world.there(there);
                world = world.restart(in_mode(mode));
            }
        }
        world.run_for(120);
        let name = format!("{told:?}: {mode:?} {agreed:?} {here:?} {there:?}");
        let came = (mode, agreed, here, there, world.done(), world.both());
        // In which order one hears of changes decides about what is done, but not about what comes of it.
        let is_as_done = told == Told::Heard || came.4 == done;
        if !is_as_done || came.5 != both {
            wrong.push(format!("{came:?},"));
        }
        // Nothing is left to do: neither now nor after a new start.
        world.sync();
        world.run_for(60);
        assert_eq!((world.done(), world.verdict(), world.problems()), nothing(), "{name}");
        let mut world = world.restart(in_mode(mode));
        world.run_for(60);
        assert_eq!((world.done(), world.verdict(), world.problems()), nothing(), "{name}");
    }
    assert!(wrong.is_empty(), "{told:?}: otherwise than expected:\n{}", wrong.join("\n"));
}

#[test]
fn what_was_moved_here_moves_there_as_its_mode_has_it() {
    assert_lives(MOVED_HERE, Told::Asked);
}

#[test]
fn what_was_moved_there_moves_here_as_its_mode_has_it() {
    assert_lives(MOVED_THERE, Told::Asked);
}

#[test]
fn what_is_changed_on_each_side_comes_to_the_other_as_its_mode_has_it() {
    assert_lives(CHANGED, Told::Asked);
}

#[test]
fn what_was_moved_here_while_nothing_ran_is_found_at_the_start() {
    assert_lives(MOVED_HERE, Told::Restarted);
}

#[test]
fn what_was_moved_there_while_nothing_ran_is_found_at_the_start() {
    assert_lives(MOVED_THERE, Told::Restarted);
}

#[test]
fn what_was_changed_while_nothing_ran_is_found_at_the_start() {
    assert_lives(CHANGED, Told::Restarted);
}

#[test]
fn what_is_heard_of_as_moved_here_comes_to_the_same_as_what_is_found() {
    assert_lives(MOVED_HERE, Told::Heard);
}

#[test]
fn what_is_heard_of_as_moved_there_comes_to_the_same_as_what_is_found() {
    assert_lives(MOVED_THERE, Told::Heard);
}

#[test]
fn what_is_heard_of_as_changed_comes_to_the_same_as_what_is_found() {
    assert_lives(CHANGED, Told::Heard);
}

/// What is never synced has taken the place of a file in a directory that moved as well. Once, nothing told
/// of it where the move was followed, and the folder was said to be in sync.
#[test]
fn what_stands_in_the_way_is_a_problem_where_its_directory_has_gone() {
    for (mode, here, there) in [
        (Sync, "-d/l d/l->", "d>e"),
        (Pull, "-d/l d/l->", "d>e"),
        (Sync, "d>e -e/l e/l->", ""),
        (Backup, "d>e -e/l e/l->", ""),
        (Sync, "-d/l d/l->", "d>D"),
        (Sync, "d>D -D/l D/l->", "d>D"),
    ] {
        let mut world = World::agreed(in_mode(mode), "d/a=x d/l=y z=z");
        world.here_unseen(here);
        world.there(there);
        world.sync();
        world.run_for(60);
        let place = if world.disk().contains("D/") { "D" } else { "e" };
        let told = (world.problems(), world.verdict());
        assert_eq!(told, (format!("{place}/l: WrongKind"), Verdict::Problems), "{mode:?} {here:?} {there:?}");
        assert!(world.service().contains("/l=y"), "{}", world.service());
    }
}
