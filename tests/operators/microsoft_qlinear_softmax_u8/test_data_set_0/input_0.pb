
BxJ–M$KDﬂM∂;£ƒlø>MÎT“°G
)6ê°û•K