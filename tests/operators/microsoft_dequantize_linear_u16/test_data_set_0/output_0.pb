	ByJluÄf–uÄR¨tÄ×ƒtÄájtÄ×ãtÄ=juÄbuÄf–uÄpısÄ¸¾uÄ×£uÄ¸.uÄ
gtÄ)luÄ£ tÄfæsÄGÁtÄp­uÄ…ûsÄ™ùsÄ~tÄ¸ŞsÄ®uÄ®wuÄÂåtÄ)|tÄ