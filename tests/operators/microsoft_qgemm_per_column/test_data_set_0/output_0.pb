
ByJ2:ìmln­‚h>ƒK*_†F|`deT¬z¨t‡sJ a~hn°xfŠŠ4NSaFlŠWDKG¶F