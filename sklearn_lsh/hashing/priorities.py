"""Pseudo-random priorities: who stays where there is no room for all."""


def mix(numbers):
    """Hash signed 32-bit integers of any library; products wrap around.

    The finalizer of Appleby's MurmurHash3, `fmix32`.
    """
    numbers = (numbers ^ ((numbers >> 16) & 0xFFFF)) * -2048144789
    numbers = (numbers ^ ((numbers >> 13) & 0x7FFFF)) * -1028477387
    return numbers ^ ((numbers >> 16) & 0xFFFF)


def priorities_of(buckets, members, seed):
    """Priorities of members of buckets, from 0 to 2**24 - 1, of which float32 holds each.

    Parameters
    ----------
    buckets, members : int32 arrays of shape (n_members,)
    seed : int
    """
    return mix(mix(buckets ^ (seed & 0x7FFFFFFF)) + members) & 0xFFFFFF
