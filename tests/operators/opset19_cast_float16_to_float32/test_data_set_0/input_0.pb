
BxJ0%EÅJÅLR(MHUÛI;UUuSV