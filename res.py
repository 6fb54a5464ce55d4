import re,sys
def conf(p, *res):
    """res: list of replacement strings or callables (ours, theirs)->str in order; 'u' union"""
    s=open(p).read(); it=iter(res)
    def r(m):
        try: x=next(it)
        except StopIteration: x='u'
        if x=='u': return m.group(1)+m.group(2)
        if x=='o': return m.group(1)
        if x=='t': return m.group(2)
        if callable(x): return x(m.group(1),m.group(2))
        return x
    s=re.sub(r'<<<<<<< [^\n]*\n(.*?)=======\n(.*?)>>>>>>> [^\n]*\n',r,s,flags=re.S)
    open(p,'w').write(s)
