BxJ0<BI1†Bþ
ºBN~BKÂ‡BÎ„gBƒË+B8­HA%îApùŠB~/8Bàk‚B